import assert from 'node:assert/strict';
import { test } from 'node:test';

import { faultOfCode, rows, url } from '../upstream.js';

/** 2024-01-01T00:00Z. */
const JANUARY = 1_704_067_200;

const bytes = (text) => new TextEncoder().encode(text);
const row = (bmUnit, halfHourEndTime, quantity) => ({ bmUnit, settlementPeriod: 1, halfHourEndTime, quantity });

test('a month is asked for with its last interval', () => {
  const path = '/bmrs/api/v1/datasets/B1610/stream';
  const query = 'from=2024-01-01T00:00Z&to=2024-01-31T23:30Z&bmUnit=T_A-1';
  assert.equal(url('http://here/', 'T_A-1', JANUARY, JANUARY + 31 * 86_400), `http://here${path}?${query}`);
});

test('rows of the unit are read and begin before their end', () => {
  const answer = [
    row('T_A-1', '2024-01-01T00:30:00', 12.5),
    row('T_B-1', '2024-01-01T00:30:00', 7),
    row('T_A-1', '2024-01-01T01:00:00', null),
    row('T_A-1', '2024-01-01T01:30:00', -1),
  ];
  assert.deepEqual(rows(bytes(JSON.stringify(answer)), 'T_A-1'), [
    { start: JANUARY, value: 12.5 },
    { start: JANUARY + 3600, value: -1 },
  ]);
});

test('what cannot be read is told', () => {
  const yesterday = JSON.stringify([row('T_A-1', 'yesterday', 1)]);
  for (const answer of ['', '[', '{}', '<html>', '[1]', '['.repeat(50_000), yesterday]) {
    assert.throws(() => rows(bytes(answer), 'T_A-1'), /not the rows expected/);
  }
  assert.throws(() => rows(new Uint8Array([0xff, 0xfe]), 'T_A-1'), /not the rows expected/);
  assert.deepEqual(rows(bytes('[]'), 'T_A-1'), []);
});

test('a code has letters, digits, underscores and hyphens', () => {
  assert.equal(faultOfCode('T_HOWAO-1'), undefined);
  for (const code of ['', 'T HOWAO', 'T/1', 'a&b=c', 'T_1\n', 'x'.repeat(31)]) {
    assert.match(faultOfCode(code), /is no BM unit/);
  }
});
