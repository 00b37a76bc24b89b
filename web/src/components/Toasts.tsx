// Short messages about what was just done, read out by screen readers, gone by themselves.

import { useId, useLayoutEffect, useSyncExternalStore } from "react";

import { trouble } from "../lib/trouble";
import { Icon } from "./Icon";

interface Toast {
  id: number;
  text: string;
  bad: boolean;
}

const SHOWN_MS = 7_000;

let toasts: Toast[] = [];
let latest = 0;
/** Where they can be shown: on the page, and in each dialog that is open over it, which shuts out all the rest. */
let places: string[] = [];
const listeners = new Set<() => void>();

function tell(): void {
  listeners.forEach((listener) => listener());
}

function change(next: Toast[]): void {
  toasts = next;
  tell();
}

export function say(text: string, bad = false): void {
  const id = ++latest;
  change([...toasts.slice(-3), { id, text, bad }]);
  setTimeout(() => dismiss(id), bad ? 2 * SHOWN_MS : SHOWN_MS);
}

/** Says why something could not be done. */
export function sayProblem(what: string, error: unknown): void {
  say(`${what}: ${trouble(error).detail}`, true);
}

function dismiss(id: number): void {
  change(toasts.filter((toast) => toast.id !== id));
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const NONE: Toast[] = [];

/** They are shown in the place that is uppermost. */
export function Toasts() {
  const place = useId();
  useLayoutEffect(() => {
    places = [...places, place];
    tell();
    return () => {
      places = places.filter((other) => other !== place);
      tell();
    };
  }, [place]);
  const shown = useSyncExternalStore(subscribe, () => (places.at(-1) === place ? toasts : NONE));
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map((toast) => (
        <div key={toast.id} className={`toast${toast.bad ? " bad" : ""}`}>
          <Icon name={toast.bad ? "alert" : "check"} />
          <span>{toast.text}</span>
          <button type="button" className="button quiet icon-only" aria-label="Dismiss" onClick={() => dismiss(toast.id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
