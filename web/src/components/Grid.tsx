// Units × months, a cell each: drawn in one go, walked with the arrow keys, and read out cell by cell.

import { type KeyboardEvent, memo, type MouseEvent, type ReactNode, useEffect, useLayoutEffect, useMemo, useRef } from "react";

import { monthName, monthShort } from "../lib/format";
import { Sideways } from "./Sideways";

export interface Cell {
  /** What stands in it, for those who don't see it. The row's and the column's names come before it. */
  text: string;
  /** Which look it has; see grid.css. */
  look: string;
}

export interface GridRow {
  id: number;
  name: string;
  detail?: string | undefined;
  /** By month; those of an unchanged row stay the same array. */
  cells: readonly (Cell | undefined)[];
  /** What stands at the row's end. */
  sum?: string | undefined;
}

interface Props {
  label: string;
  months: readonly string[];
  rows: readonly GridRow[];
  /** The chosen cell. */
  chosen?: { row: number; month: string } | undefined;
  open?: (row: number, month: string) => void;
  legend: ReactNode;
}

export function Grid({ label, months, rows, chosen, open, legend }: Props) {
  const table = useRef<HTMLTableElement>(null);
  const hint = useRef<HTMLParagraphElement>(null);
  const began = performance.now();
  const sorted = useMemo(() => rows.toSorted((a, b) => a.name.localeCompare(b.name, "en", { numeric: true })), [rows]);

  // The first cell can be tabbed to; from there on, the arrows move the place.
  useLayoutEffect(() => {
    const cells = table.current;
    if (cells?.querySelector('td[tabindex="0"]') == null) {
      cells?.querySelector<HTMLElement>("td[data-month]")?.setAttribute("tabindex", "0");
    }
  });
  useLayoutEffect(() => {
    // What is scrolled to must not come to lie under the headings, which stay where they are.
    const cells = table.current;
    const scroll = cells?.parentElement;
    if (cells == null || scroll == null) return;
    const measured = new ResizeObserver(() => {
      const [first, last] = [cells.querySelector<HTMLElement>("tbody th"), cells.querySelector<HTMLElement>("tbody .sum")];
      // With room for the ring around it.
      const room = (under: number | undefined) => `${(under ?? 0) + 4}px`;
      const sides = `${room(last?.offsetWidth)} 4px ${room(first?.offsetWidth)}`;
      scroll.style.scrollPadding = `${room(cells.tHead?.offsetHeight)} ${sides}`;
    });
    measured.observe(cells);
    return () => measured.disconnect();
  }, []);
  const place = chosen === undefined ? "" : `${chosen.row} ${chosen.month}`;
  useEffect(() => {
    // An address may name a cell that lies far to the right.
    const cell = place === "" ? null : table.current?.querySelector<HTMLElement>('td[aria-selected="true"]');
    const scroll = table.current?.parentElement;
    if (cell == null || scroll == null) return;
    const [left, right] = [cell.offsetLeft - scroll.clientWidth / 2, cell.offsetLeft + 80];
    if (right > scroll.scrollLeft + scroll.clientWidth) scroll.scrollLeft = left;
  }, [place]);
  const size = `${rows.length} × ${months.length}`;
  useEffect(() => {
    // Once per size: how long it took until it was on the screen.
    requestAnimationFrame(() => {
      performance.measure(`grid ${size}`, { start: began, end: performance.now() });
    });
  }, [size]);

  const cellOf = (event: { target: EventTarget }): HTMLTableCellElement | null =>
    event.target instanceof Element ? event.target.closest<HTMLTableCellElement>("td[data-month]") : null;
  const show = (event: { target: EventTarget }) => {
    const cell = cellOf(event);
    if (hint.current !== null && cell !== null) hint.current.textContent = cell.getAttribute("aria-label");
  };
  const act = (cell: HTMLTableCellElement | null) => {
    const row = Number(cell?.parentElement?.dataset["row"]);
    if (cell !== null && open !== undefined) open(row, cell.dataset["month"] ?? "");
  };
  const move = (event: KeyboardEvent) => {
    const cell = cellOf(event);
    if (cell === null) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      act(cell);
      return;
    }
    const next = neighbour(event, cell);
    if (next === undefined) return;
    event.preventDefault();
    focusOn(next);
  };
  const click = (event: MouseEvent) => {
    const cell = cellOf(event);
    if (cell !== null) focusOn(cell);
    act(cell);
  };

  return (
    <div className="grid-box">
      <Sideways>
        <table
          ref={table}
          className={`grid ${density(months.length)}${open === undefined ? "" : " can-open"}`}
          role="grid"
          aria-label={label}
          onKeyDown={move}
          onClick={click}
          onFocus={show}
          onMouseOver={show}
        >
          <Head months={months} summed={rows.some((row) => row.sum !== undefined)} />
          <tbody>
            {sorted.map((row) => (
              <Row key={row.id} row={row} months={months} chosen={chosen?.row === row.id ? chosen.month : undefined} />
            ))}
          </tbody>
        </table>
      </Sideways>
      <p ref={hint} className="grid-hint" aria-hidden="true">
        {TOUCHED
          ? `Tap a cell to ${open === undefined ? "read" : "open"} it.`
          : `Point at a cell, or walk with the arrow keys${open === undefined ? "" : "; Enter opens it"}.`}
      </p>
      {legend}
    </div>
  );
}

const TOUCHED = matchMedia("(hover: none)").matches;

/** Few months fill the width, very many are narrow. */
const density = (months: number): string => (months > 36 ? "dense" : months > 24 ? "" : "wide");

const Head = memo(function Head({ months, summed }: { months: readonly string[]; summed: boolean }) {
  const years = Map.groupBy(months, (month) => month.slice(0, 4));
  return (
    <thead>
      <tr>
        <td className="corner" />
        {[...years].map(([year, of]) => (
          <th key={year} scope="colgroup" colSpan={of.length} className="year">
            <span>{year}</span>
          </th>
        ))}
        {summed && <td className="corner last" />}
      </tr>
      <tr>
        <th scope="col" className="corner">
          <span className="hidden">Unit</span>
        </th>
        {months.map((month) => (
          <th key={month} scope="col" abbr={monthName(month)} className="month">
            <span aria-hidden="true" data-short={monthShort(month)[0]}>
              {monthShort(month)}
            </span>
            <span className="hidden">{monthName(month)}</span>
          </th>
        ))}
        {summed && (
          <th scope="col" className="sum">
            All
          </th>
        )}
      </tr>
    </thead>
  );
});

interface RowProps {
  row: GridRow;
  months: readonly string[];
  chosen: string | undefined;
}

const Row = memo(
  function Row({ row, months, chosen }: RowProps) {
    return (
      <tr data-row={row.id}>
        <th scope="row">
          <span className="row-name">{row.name}</span>
          {row.detail !== undefined && <span className="row-detail">{row.detail}</span>}
        </th>
        {months.map((month, place) => {
          const cell = row.cells[place];
          if (cell === undefined) return <td key={month} className="cell none" />;
          return (
            <td
              key={month}
              role="gridcell"
              tabIndex={-1}
              data-month={month}
              data-look={cell.look}
              className={`cell ${cell.look}`}
              aria-selected={chosen === month}
              aria-label={`${row.name}, ${monthName(month)}: ${cell.text}`}
            />
          );
        })}
        {row.sum !== undefined && <td className="sum">{row.sum}</td>}
      </tr>
    );
  },
  (before, after) =>
    before.row.cells === after.row.cells &&
    before.row.name === after.row.name &&
    before.row.sum === after.row.sum &&
    before.months === after.months &&
    before.chosen === after.chosen,
);

function focusOn(cell: HTMLElement): void {
  const table = cell.closest("table");
  table?.querySelectorAll('td[tabindex="0"]').forEach((other) => other.setAttribute("tabindex", "-1"));
  cell.setAttribute("tabindex", "0");
  cell.focus({ preventScroll: true });
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/** Where a key leads to, as the pattern for grids has it. */
function neighbour(event: KeyboardEvent, cell: HTMLTableCellElement): HTMLElement | undefined {
  const row = cell.parentElement as HTMLTableRowElement;
  const rows = [...(row.parentElement as HTMLTableSectionElement).rows];
  const at = rows.indexOf(row);
  const cellsOf = (of: HTMLTableRowElement | undefined) =>
    [...(of?.querySelectorAll<HTMLElement>("td[data-month]") ?? [])];
  const here = cellsOf(row);
  const column = here.indexOf(cell);
  const inRow = (to: HTMLTableRowElement | undefined) => {
    const month = cell.dataset["month"] ?? "";
    return cellsOf(to).find((other) => (other.dataset["month"] ?? "") >= month);
  };
  switch (event.key) {
    case "ArrowRight":
      return here[column + 1];
    case "ArrowLeft":
      return here[column - 1];
    case "ArrowDown":
      return inRow(rows[at + 1]);
    case "ArrowUp":
      return inRow(rows[at - 1]);
    case "Home":
      return event.ctrlKey ? cellsOf(rows[0])[0] : here[0];
    case "End":
      return event.ctrlKey ? cellsOf(rows.at(-1)).at(-1) : here.at(-1);
    case "PageDown":
      return here[Math.min(column + 12, here.length - 1)];
    case "PageUp":
      return here[Math.max(column - 12, 0)];
    default:
      return undefined;
  }
}

/** What the looks of the cells mean. */
export function Legend({ entries }: { entries: readonly (readonly [look: string, text: string])[] }) {
  return (
    <ul className="legend" aria-label="Legend">
      {entries.map(([look, text]) => (
        <li key={look}>
          <span className={`cell ${look}`} aria-hidden="true" />
          {text}
        </li>
      ))}
    </ul>
  );
}
