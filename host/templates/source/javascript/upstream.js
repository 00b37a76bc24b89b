// What is particular to the upstream: where a unit's month is asked for, and what the answer says. Begin here: put your
// upstream's address into `BASE_URL` and `url`, and its rows into `rows`.

export const BASE_URL = 'https://data.elexon.co.uk';

/** Seconds that one value is for. */
export const INTERVAL = 1800;

/** What is wrong with a code that can't be one of this upstream, in words for people; undefined if nothing is. */
export function faultOfCode(code) {
  if (/^[A-Za-z0-9_-]{1,30}$/.test(code)) return undefined;
  return `${JSON.stringify(code)} is no BM unit; expected one such as T_HOWAO-1`;
}

/**
 * Where the values of `[start, end)`, in seconds since 1970, are asked for. This upstream counts both ends in: the last
 * interval is the one before `end`.
 */
export function url(baseUrl, code, start, end) {
  const path = '/bmrs/api/v1/datasets/B1610/stream';
  return `${baseUrl.replace(/\/+$/, '')}${path}?from=${utc(start)}&to=${utc(end - INTERVAL)}&bmUnit=${code}`;
}

/**
 * The rows of an answer that are about the unit and have a value: `{ start, value }`, the interval that begins at
 * `start` in seconds since 1970. Throws an Error that says what can't be read.
 */
export function rows(answer, code) {
  try {
    const answered = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(answer));
    if (!Array.isArray(answered)) throw new Error('expected a list');
    return answered
      .filter((row) => {
        if (row?.bmUnit === undefined || row.quantity === undefined) throw new Error('a row without unit or quantity');
        return row.bmUnit === code && row.quantity !== null;
      })
      .map((row) => ({ start: startOf(row.halfHourEndTime), value: number(row.quantity) }));
  } catch (error) {
    const begin = JSON.stringify(new TextDecoder().decode(answer.slice(0, 100)));
    throw new Error(`not the rows expected: ${error.message}; the answer begins ${begin}`);
  }
}

/** The start of the half hour that ends there: a time of UTC, without saying so. */
function startOf(end) {
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(end) ? Date.parse(`${end}Z`) : Number.NaN;
  if (Number.isNaN(at)) throw new Error(`not a time: ${JSON.stringify(end)}`);
  return at / 1000 - INTERVAL;
}

/** MWh. */
function number(value) {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new Error(`not a number: ${JSON.stringify(value)}`);
  return value;
}

function utc(seconds) {
  return `${new Date(seconds * 1000).toISOString().slice(0, 16)}Z`;
}
