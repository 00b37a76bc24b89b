// What surrounds every page.

import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useRouter, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";

import { api, queries } from "../lib/api";
import { useMe } from "../lib/me";
import { Account } from "./Account";
import { Icon } from "./Icon";
import { Session } from "./Session";
import { Shortcuts } from "./Shortcuts";
import { ThemeSwitch } from "./ThemeSwitch";
import { Toasts } from "./Toasts";

export const PAGES = [
  { to: "/backfill", text: "Backfill", exact: true },
  { to: "/backfill/history", text: "History", exact: false },
  { to: "/backfill/availability", text: "Availability", exact: false },
  { to: "/system", text: "System", exact: false },
] as const;

export function Shell() {
  const me = useMe();
  const place = useRouterState({ select: (state) => state.location.pathname });
  const main = useRef<HTMLElement>(null);
  const seen = useRef(place);
  useEffect(() => {
    // A new page is read from its beginning; the first one is by itself.
    if (seen.current !== place) main.current?.focus({ preventScroll: true });
    seen.current = place;
  }, [place]);
  return (
    <>
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="top">
        <div className="top-in">
          <Link to="/backfill" search={{}} className="brand">
            <Mark /> Backfill
          </Link>
          <nav aria-label="Pages">
            {PAGES.map((page) => (
              <Link key={page.to} to={page.to} search={{}} activeOptions={{ exact: page.exact, includeSearch: false }}>
                {page.text}
              </Link>
            ))}
          </nav>
          <div className="top-end">
            <HostHealth />
            <Shortcuts />
            <ThemeSwitch />
            {me.data !== undefined && <Account me={me.data} />}
          </div>
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <Outlet />
      </main>
      <Toasts />
      <Session known={me.data !== undefined} />
    </>
  );
}

function Mark() {
  return (
    <svg className="mark" viewBox="0 0 20 20" aria-hidden="true">
      {[0, 1, 2].flatMap((row) =>
        [0, 1, 2].map((column) => (
          <rect key={`${row}${column}`} className={`m${row + column}`} x={column * 7} y={row * 7} width="6" height="6" rx="1.4" />
        )),
      )}
    </svg>
  );
}

/** Whether the host answers, and can work. */
function HostHealth() {
  const health = useQuery({
    queryKey: ["readiness"],
    queryFn: () => api.getReadiness(),
    refetchInterval: (query) => (query.state.error === null ? 15_000 : 2_000),
    retry: false,
  });
  const router = useRouter();
  const away = health.isError;
  const [wasAway, setWasAway] = useState(false);
  useEffect(() => {
    if (away) setWasAway(true);
    if (!away && wasAway) {
      setWasAway(false);
      void queries.invalidateQueries();
      // A page whose code could not be loaded meanwhile.
      void router.invalidate();
    }
  }, [away, wasAway, router]);
  if (away) {
    return (
      <span className="health bad" role="alert">
        <Icon name="lost" /> <span>Host unreachable</span>
      </span>
    );
  }
  if (health.data === undefined) return <span className="health" />;
  const ready = health.data.status === "ready";
  return (
    <Link to="/system" search={{}} className={`health${ready ? "" : " bad"}`} title={health.data.detail ?? "The host answers and works off tasks."}>
      <Icon name={ready ? "check" : "alert"} />
      <span>{ready ? "Host ready" : "Host not ready"}</span>
    </Link>
  );
}
