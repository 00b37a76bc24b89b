// A chart of series over time. Its colours are the page's.

import "uplot/dist/uPlot.min.css";

import { useEffect, useRef } from "react";
import uPlot from "uplot";

export interface PlotSeries {
  name: string;
  unit: string;
  values: readonly { start: string; end: string; value: number }[];
  /** What stood before: drawn as dots behind the others. */
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
  const axis = { stroke: colour("--ink-2"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font };
  let place = -1;
  const options: uPlot.Options = {
    width: element.clientWidth,
    height: HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    fmtDate: (template) => uPlot.fmtDate(template.replace("{YYYY}-{MM}-{DD} {h}:{mm}{aa}", "{YYYY}-{MM}-{DD} {HH}:{mm}")),
    scales: { x: { time: true } },
    axes: [
      { ...axis, values: (_, times) => times.map(tick) },
      { ...axis, size: 56, values: (_, values) => values.map(String) },
    ],
    legend: { live: true },
    series: [
      { label: "Start (UTC)", value: (_, at) => (at == null ? "–" : new Date(at * 1000).toISOString().slice(0, 16).replace("T", " ")) },
      ...series.map((of): uPlot.Series => {
        if (!of.before) place += 1;
        const stroke = of.before ? colour("--chart-before") : (colours[place % colours.length] ?? "");
        return {
          label: of.name,
          stroke,
          width: of.before ? 0 : 1.5,
          points: of.before ? { show: true, size: 4, fill: stroke, stroke } : { show: false },
          spanGaps: false,
          value: (_, value) => (value == null ? "–" : `${value.toFixed(2)} ${of.unit}`),
        };
      }),
    ],
  };
  return new uPlot(options, aligned(series), element);
}

/** Days, and hours once there are only a few of them. */
function tick(seconds: number, place: number, all: number | readonly number[] = 0): string {
  const at = new Date(seconds * 1000).toISOString();
  void place;
  void all;
  return at.slice(11, 16) === "00:00" ? at.slice(5, 10) : at.slice(11, 16);
}

/** All series over the same times; a hole where an interval has none after it. */
function aligned(series: readonly PlotSeries[]): uPlot.AlignedData {
  const tables = series.map((of): uPlot.AlignedData => {
    const times: number[] = [];
    const values: (number | null)[] = [];
    let end: number | undefined;
    for (const value of of.values) {
      const start = Date.parse(value.start) / 1000;
      if (!of.before && end !== undefined && start > end) {
        times.push(end);
        values.push(null);
      }
      // Of values that were replaced more than once, the last one is drawn.
      if (times.at(-1) === start) times.pop(), values.pop();
      times.push(start);
      values.push(value.value);
      end = Date.parse(value.end) / 1000;
    }
    return [times, values];
  });
  return uPlot.join(tables, tables.map(() => [0, 2]));
}
