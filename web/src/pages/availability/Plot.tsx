// A chart of series over time. Its colours are the page's.

import "uplot/dist/uPlot.min.css";

import { useEffect, useRef } from "react";
import uPlot from "uplot";

export interface PlotSeries {
  name: string;
  unit: string;
  values: readonly { start: string; end: string; value: number }[];
  /** What stood before: marked behind the others. */
  before: boolean;
}

const HEIGHT = 260;

export function Plot({ series, label }: { series: readonly PlotSeries[]; label: string }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    let chart = draw(element, series);
    const redraw = () => {
      chart.destroy();
      chart = draw(element, series);
    };
    const sized = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
    sized.observe(element);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", redraw);
    window.addEventListener("theme", redraw);
    return () => {
      sized.disconnect();
      dark.removeEventListener("change", redraw);
      window.removeEventListener("theme", redraw);
      chart.destroy();
    };
  }, [series]);
  return <div ref={box} className="plot" role="img" aria-label={label} />;
}

function draw(element: HTMLElement, series: readonly PlotSeries[]): uPlot {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const colours = ["--chart-1", "--chart-2", "--chart-3"].map(colour);
  const font = `12px ${style.fontFamily}`;
  const { data, starts } = aligned(series);
  const steps = uPlot.paths.stepped?.({ align: 1 });
  const axis = { stroke: colour("--ink-2"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font };
  let place = -1;
  const options: uPlot.Options = {
    width: element.clientWidth,
    height: HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    fmtDate: (template) => uPlot.fmtDate(template.replace("{YYYY}-{MM}-{DD} {h}:{mm}{aa}", "{YYYY}-{MM}-{DD} {HH}:{mm}")),
    // Power is seen for what it is above nothing.
    scales: { x: { time: true }, y: { range: (_, min, max) => uPlot.rangeNum(Math.min(min, 0), Math.max(max, 0), 0.1, true) } },
    axes: [
      { ...axis, values: (_, times) => times.map((at) => tick(at)) },
      { ...axis, size: 56, values: (_, values) => values.map(String) },
    ],
    legend: { live: true },
    series: [
      { label: "Start (UTC)", value: (_, at) => (at == null ? "–" : minute(starts.get(at) ?? at)) },
      ...series.map((of): uPlot.Series => {
        if (!of.before) place += 1;
        const stroke = of.before ? colour("--chart-before") : (colours[place % colours.length] ?? "");
        return {
          label: of.name,
          stroke,
          width: 1.5,
          ...(steps === undefined ? {} : { paths: steps }),
          points: of.before ? { show: true, size: 4, fill: stroke, stroke } : { show: false },
          spanGaps: false,
          value: (_, value) => (value == null ? "–" : `${value.toFixed(2)} ${of.unit}`),
        };
      }),
    ],
  };
  return new uPlot(options, data, element);
}

/** Days, and hours once there are only a few of them. */
function tick(seconds: number): string {
  const at = new Date(seconds * 1000).toISOString();
  return at.slice(11, 16) === "00:00" ? at.slice(5, 10) : at.slice(11, 16);
}

const minute = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");

interface Aligned {
  data: uPlot.AlignedData;
  /** Where the interval begins that is drawn up to an instant, if there is none after it. */
  starts: ReadonlyMap<number, number>;
}

/** All series over the same times: each value as a step over its interval, and a hole where none follows. */
function aligned(series: readonly PlotSeries[]): Aligned {
  const starts = new Map<number, number>();
  const tables = series.map((of): uPlot.AlignedData => {
    // Of values that were replaced more than once, the last one is drawn.
    const steps = new Map(of.values.map((value) => [Date.parse(value.start) / 1000, value]));
    const times: number[] = [];
    const values: (number | null)[] = [];
    const ordered = [...steps].sort(([a], [b]) => a - b);
    ordered.forEach(([start, { end, value }], place) => {
      times.push(start);
      values.push(value);
      const [until, next] = [Date.parse(end) / 1000, ordered[place + 1]?.[0]];
      if (next !== undefined && next <= until) return;
      starts.set(until, start);
      times.push(until, until + 1);
      values.push(value, null);
    });
    return [times, values];
  });
  return { data: uPlot.join(tables, tables.map(() => [0, 2])), starts };
}
