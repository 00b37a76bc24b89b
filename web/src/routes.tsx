// The addresses, and the page behind each.

import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Link, redirect } from "@tanstack/react-router";

import { Shell } from "./components/Shell";
import { Broken, Empty, Skeleton } from "./components/States";
import { availabilitySearch, backfillSearch, historySearch, jobSearch } from "./lib/searches";
import { chunk } from "./lib/trouble";

const root = createRootRoute({ component: Shell, notFoundComponent: Nowhere });

const first = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/backfill", search: {} });
  },
});

const backfill = createRoute({
  getParentRoute: () => root,
  path: "/backfill",
  validateSearch: backfillSearch,
  component: lazyRouteComponent(() => chunk(() => import("./pages/backfill")), "BackfillPage"),
});

const history = createRoute({
  getParentRoute: () => root,
  path: "/backfill/history",
  validateSearch: historySearch,
  component: lazyRouteComponent(() => chunk(() => import("./pages/history")), "HistoryPage"),
});

const availability = createRoute({
  getParentRoute: () => root,
  path: "/backfill/availability",
  validateSearch: availabilitySearch,
  component: lazyRouteComponent(() => chunk(() => import("./pages/availability")), "AvailabilityPage"),
});

const job = createRoute({
  getParentRoute: () => root,
  path: "/backfill/$jobId",
  validateSearch: jobSearch,
  component: lazyRouteComponent(() => chunk(() => import("./pages/job")), "JobPage"),
});

const system = createRoute({
  getParentRoute: () => root,
  path: "/system",
  component: lazyRouteComponent(() => chunk(() => import("./pages/system")), "SystemPage"),
});

function Nowhere() {
  return (
    <div className="page">
      <h1>No such page</h1>
      <Empty icon="question" title="There is nothing at this address">
        <Link to="/backfill" search={{}} className="button primary">
          Go to Backfill
        </Link>
      </Empty>
    </div>
  );
}

export const router = createRouter({
  routeTree: root.addChildren([first, backfill, history, availability, job, system]),
  defaultPreload: "intent",
  defaultPendingComponent: () => (
    <div className="page">
      <Skeleton lines={6} />
    </div>
  ),
  defaultErrorComponent: ({ error }) => (
    <div className="page">
      <Broken error={error} again={() => void router.invalidate()} />
    </div>
  ),
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
