// A source of Backfill: what it says of itself, and how a month is fetched. What is particular to the upstream is in
// `upstream.js`; this file can stay much as it is. A failure is thrown as `{ tag, val }`; `wit/source.wit` lists them.

import { log, setting } from 'backfill:source/host@1.0.0';
import { send } from 'backfill:source/http@1.0.0';

import { BASE_URL, INTERVAL, faultOfCode, rows, url } from './upstream.js';

/** Days after a month's end until it is normally complete. */
const PUBLICATION_LAG_DAYS = 8;

export const adapter = {
  describe() {
    return {
      name: 'my-source',
      version: '0.1.0',
      summary: 'Metered output of British generation units, by half hour (Elexon B1610)',
      unitCode: 'a BM unit, such as T_HOWAO-1',
      hosts: [BASE_URL],
      settings: [{ name: 'base_url', summary: 'Where the API is', default: BASE_URL }],
      monthZone: 'UTC',
      publicationLagDays: PUBLICATION_LAG_DAYS,
      firstMonth: '2019-01',
    };
  },

  checkUnit(unit) {
    const fault = faultOfCode(unit.code);
    if (fault) throw fault;
  },

  fetch(unit, month) {
    const fault = faultOfCode(unit.code);
    if (fault) throw { tag: 'invalid-unit', val: fault };
    const [start, end] = [Number(month.start), Number(month.end)];
    const answer = get(url(setting('base_url') ?? BASE_URL, unit.code, start, end));
    const measurements = measured(readable(answer, unit.code), start, end);
    if (measurements.length === 0) throw nothing(unit, month);
    log('info', `${measurements.length} values`);
    return [{ kind: 'generation', quantity: 'energy', labels: [], measurements }];
  },
};

function readable(answer, code) {
  try {
    return rows(answer, code);
  } catch (error) {
    throw { tag: 'malformed', val: error.message };
  }
}

/** What was asked for: in order, nothing twice, and nothing that reaches out of it. */
function measured(rows, start, end) {
  const found = new Map();
  for (const row of rows) {
    if (row.start < start || row.start + INTERVAL > end) continue;
    const known = found.get(row.start);
    if (known !== undefined && known !== row.value) {
      throw { tag: 'malformed', val: `two values for the interval at ${row.start}: ${known} and ${row.value}` };
    }
    found.set(row.start, row.value);
  }
  const sorted = [...found].sort(([one], [other]) => one - other);
  return sorted.map(([at, value]) => ({ start: BigInt(at), seconds: INTERVAL, value }));
}

/** An empty answer, which is never a success: of the past it is final, of the present it is early. */
function nothing(unit, month) {
  const name = `${String(month.year).padStart(4, '0')}-${String(month.number).padStart(2, '0')}`;
  const due = Number(month.end) + PUBLICATION_LAG_DAYS * 86_400;
  const tag = Date.now() / 1000 < due ? 'not-yet-published' : 'no-data';
  return { tag, val: `the upstream has nothing of ${unit.code} for ${name}` };
}

/**
 * The body of an answer with status 200. The host has waited for the rate limit, added the credential and tried again
 * where that helps: every failure is final for this call.
 */
function get(url) {
  const answer = heard(() => send({ method: 'get', url, headers: [], body: undefined }));
  if (answer.status === 200) return heard(() => answer.body.bytes());
  throw refused(answer.status, answer.headers.find(([name]) => name === 'retry-after')?.[1]);
}

/** What `ask` returns; what it throws, as a failure. */
function heard(ask) {
  try {
    return ask();
  } catch (error) {
    const { tag, val } = error.payload ?? {};
    switch (tag) {
      case 'timeout':
        throw { tag: 'unavailable', val: 'no answer in time' };
      case 'transport':
        throw { tag: 'unavailable', val };
      case 'too-large':
        throw { tag: 'malformed', val: `an answer of more than ${val} bytes` };
      case 'denied':
        throw { tag: 'not-available', val };
      default:
        throw error;
    }
  }
}

/** The failure that a status stands for. */
function refused(status, retryAfter) {
  const val = `HTTP ${status}`;
  if (status === 401 || status === 403) return { tag: 'unauthorized', val };
  if (status === 429) {
    const seconds = Number(retryAfter?.trim() || Number.NaN);
    const said = Number.isInteger(seconds) && seconds >= 0 && seconds < 2 ** 32;
    return { tag: 'rate-limited', val: said ? seconds : undefined };
  }
  if (status === 404 || status === 408 || status >= 500) return { tag: 'unavailable', val };
  return { tag: 'malformed', val };
}
