// The icons: drawn for a box of 16, in the colour of the text.

const PATHS = {
  alert: "M8 2.2 14.3 13.5H1.7zM8 6.5v3.2M8 11.6v.2",
  arrow: "M3 8h10M9 4l4 4-4 4",
  back: "M13 8H3M7 4 3 8l4 4",
  check: "M3 8.5 6.5 12 13 4.5",
  chevron: "M4 6l4 4 4-4",
  clock: "M8 4.5V8l2.3 1.6M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z",
  close: "M4 4l8 8M12 4l-8 8",
  cross: "M5.3 5.3l5.4 5.4M10.7 5.3l-5.4 5.4M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z",
  download: "M8 2.5v7.5M4.8 7 8 10.2 11.2 7M3 13.5h10",
  empty: "M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0zM3.8 12.2l8.4-8.4",
  half: "M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0zM8 2v12M8 4.5h2.5M8 7h4M8 9.5h4M8 12h2.5",
  help: "M6 6.2a2 2 0 1 1 2.8 1.9c-.6.3-.8.7-.8 1.4M8 11.5v.2M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z",
  lost: "M2 2l12 12M5 8.5a4.5 4.5 0 0 1 2.2-1.2M2.5 6a8 8 0 0 1 2.6-1.7M8 4a8 8 0 0 1 5.5 2M9.5 7.5a4.5 4.5 0 0 1 1.5 1M8 12v.2",
  moon: "M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3.2 12.5 8 5 12.8z",
  question: "M6 6.2a2 2 0 1 1 2.8 1.9c-.6.3-.8.7-.8 1.4M8 11.5v.2",
  retry: "M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3",
  running: "M8 2a6 6 0 1 1-6 6M8 5v3l2 1.5",
  screen: "M2 3.5h12v7.5H2zM6 13.5h4M8 11v2.5",
  search: "M11 7a4 4 0 1 1-8 0 4 4 0 0 1 8 0zM10 10l3.5 3.5",
  skip: "M3 8h10",
  stop: "M4 4h8v8H4z",
  sun: "M10.5 8a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0zM8 1.8v1.4M8 12.8v1.4M1.8 8h1.4M12.8 8h1.4M3.6 3.6l1 1M11.4 11.4l1 1M3.6 12.4l1-1M11.4 4.6l1-1",
  trash: "M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5M7 7v4M9 7v4",
  user: "M8 8a2.6 2.6 0 1 0 0-5.2A2.6 2.6 0 0 0 8 8zM3 13.5c.6-2.3 2.5-3.5 5-3.5s4.400 1.2 5 3.5",
} as const;

export type IconName = keyof typeof PATHS;

/** Beside words that say the same, so that it is hidden from screen readers. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg className={`icon icon-${name}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
