// Keys that lead somewhere, and the list of them.

import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import { Dialog } from "./Dialog";
import { Icon } from "./Icon";

const GOALS: Record<string, "/backfill" | "/backfill/history" | "/backfill/availability" | "/system"> = {
  b: "/backfill",
  h: "/backfill/history",
  a: "/backfill/availability",
  s: "/system",
};

const KEYS = [
  ["g then b", "Backfill"],
  ["g then h", "History"],
  ["g then a", "Availability"],
  ["g then s", "System"],
  ["/", "Search for a wind farm"],
  ["?", "This list"],
  ["Arrow keys", "Walk through a grid; Page Up and Page Down by years, Home and End to its sides"],
  ["Enter", "Open the cell of a grid"],
  ["Escape", "Close what is open, or go back to the grid"],
] as const;

export function Shortcuts() {
  const [open, setOpen] = useState(false);
  const navigate = useNavigate();
  useEffect(() => {
    let before = "";
    const press = (event: KeyboardEvent) => {
      const target = event.target instanceof Element ? event.target : document.body;
      const busy = target.closest("input, textarea, select, [contenteditable], dialog, [role=menu]") !== null;
      if (busy || event.ctrlKey || event.metaKey || event.altKey) return;
      const goal = before === "g" ? GOALS[event.key] : undefined;
      before = event.key;
      if (goal !== undefined) {
        void navigate({ to: goal, search: {} });
      } else if (event.key === "?") {
        setOpen(true);
      } else if (event.key === "/") {
        event.preventDefault();
        document.querySelector<HTMLElement>("[data-shortcut=search]")?.focus();
      }
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [navigate]);
  return (
    <>
      <button
        type="button"
        className="button quiet icon-only shortcuts-button"
        aria-label="Keyboard shortcuts"
        title="Keyboard shortcuts (?)"
        onClick={() => setOpen(true)}
      >
        <Icon name="help" />
      </button>
      {open && (
        <Dialog title="Keyboard shortcuts" close={() => setOpen(false)}>
          <dl className="keys">
            {KEYS.map(([key, what]) => (
              <div key={key}>
                <dt>
                  <kbd>{key}</kbd>
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
        </Dialog>
      )}
    </>
  );
}
