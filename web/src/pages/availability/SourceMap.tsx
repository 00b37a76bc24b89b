// A source's heat map: units × months, as full as they are.

import { useMemo } from "react";

import { Grid, type GridRow, Legend } from "../../components/Grid";
import type { Availability, AvailabilityCell } from "../../lib/backfill-api";
import { many } from "../../lib/format";
import { CAUSE, word } from "../../lib/words";

interface Props {
  source: Availability["sources"][number];
  data: Availability;
  cells: Map<number, Map<string, AvailabilityCell>>;
  chosen: { row: number; month: string } | undefined;
  open: (row: number, month: string) => void;
}

const LEGEND = [
  ["a-4", "Full"],
  ["a-3", "75 % and more"],
  ["a-2", "25 to 75 %"],
  ["a-1", "under 25 %"],
  ["a-0", "Nothing"],
] as const;

const CAUSES = Object.entries(CAUSE).map(([cause, of]) => [`a-0 c-${cause}`, of.text] as const);

export function SourceMap({ source, data, cells, chosen, open }: Props) {
  const rows = useMemo(
    (): GridRow[] =>
      data.units
        .filter((unit) => unit.source === source.source)
        .map((unit) => {
          const of = data.months.map((month) => cells.get(unit.id)?.get(month));
          return {
            id: unit.id,
            name: unit.name,
            detail: `${unit.code === unit.name ? "" : unit.code}${unit.active ? "" : " · not active"}`.replace(/^ · /, "") || undefined,
            cells: of.map((cell) => cell && { look: lookOf(cell), text: textOf(cell) }),
            sum: percent(of),
          };
        }),
    [data, cells, source.source],
  );
  const met = useMemo(() => {
    const causes = new Set(source.months.flatMap((month) => Object.keys(month.gaps)));
    return CAUSES.filter(([look]) => causes.has(look.slice("a-0 c-".length)));
  }, [source]);
  const gaps = source.months.reduce((sum, month) => sum + Object.values(month.gaps).reduce((a, b) => a + b, 0), 0);
  return (
    <section className="section" aria-labelledby={`source-${source.source}`}>
      <div className="section-head">
        <h2 id={`source-${source.source}`}>{source.source}</h2>
        <p className="coverage">
          <strong>{shown(source.coverage_percent)}</strong> stored
          {gaps > 0 && <span className="muted"> · {many(gaps, "month of a unit is", "months of units are")} not full</span>}
        </p>
      </div>
      <Grid
        label={`What is stored from ${source.source}, by unit and month`}
        months={data.months}
        rows={rows}
        chosen={chosen}
        open={open}
        legend={<Legend entries={[...LEGEND, ...met]} />}
      />
    </section>
  );
}

const shown = (value: number): string => `${value < 100 && value > 99 ? value.toFixed(1) : Math.floor(value)} %`;

function percent(cells: readonly (AvailabilityCell | undefined)[]): string {
  const present = cells.reduce((sum, cell) => sum + (cell?.present_seconds ?? 0), 0);
  const expected = cells.reduce((sum, cell) => sum + (cell?.expected_seconds ?? 0), 0);
  return expected === 0 ? "–" : shown((100 * present) / expected);
}

function lookOf({ coverage_percent: full, gap }: AvailabilityCell): string {
  const level = full >= 100 ? 4 : full >= 75 ? 3 : full >= 25 ? 2 : full > 0 ? 1 : 0;
  return gap == null ? `a-${level}` : `a-${level} c-${gap.cause}`;
}

function textOf({ coverage_percent: full, gap }: AvailabilityCell): string {
  const stored = full >= 100 ? "full" : full === 0 ? "nothing stored" : `${full} % stored`;
  return gap == null ? stored : `${stored}; ${word(CAUSE, gap.cause).text.toLowerCase()}`;
}
