// Whether this browser is logged in, as the host's answers show, and whether the host answers at all.

import { useSyncExternalStore } from "react";

import { Unreachable } from "./trouble";

interface Session {
  /** The host does not know who asks. */
  expired: boolean;
  /** Grows with every log-in, so that what broke off begins again. */
  logins: number;
}

let session: Session = { expired: false, logins: 0 };
const listeners = new Set<() => void>();

function change(next: Session): void {
  session = next;
  listeners.forEach((listener) => listener());
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useSession(): Session {
  return useSyncExternalStore(subscribe, () => session);
}

/** The host answered 401. */
export function expire(): void {
  if (!session.expired) {
    change({ ...session, expired: true });
  }
}

/** Asks with this browser's cookie, and notices when that has run out. */
export async function ask(request: Request): Promise<Response> {
  const response = await fetch(request).catch((error: unknown) => {
    if (request.signal.aborted) throw error;
    throw new Unreachable("nobody answered", { cause: error });
  });
  if (response.status === 401) {
    expire();
  }
  return response;
}

/** Exchanges a token for a cookie that no script can read. Gives what was wrong, if anything was. */
export async function logIn(token: string): Promise<string | undefined> {
  const body = new URLSearchParams({ token });
  const response = await fetch("/login", { method: "POST", body, redirect: "manual" });
  if (response.type === "opaqueredirect" || response.ok) {
    change({ expired: false, logins: session.logins + 1 });
    return undefined;
  }
  switch (response.status) {
    case 401:
      return "The token is unknown, expired or revoked.";
    case 429:
      return "Too many attempts. Wait a minute, then try again.";
    default:
      return `The host answered ${response.status} ${response.statusText}.`;
  }
}

/** Ends the session, and leaves the page with all that it shows. Gives what was wrong, if anything was. */
export async function logOut(): Promise<string | undefined> {
  const response = await fetch("/logout", { method: "POST", redirect: "manual" });
  if (response.type !== "opaqueredirect" && !response.ok) {
    return `The host answered ${response.status} ${response.statusText}.`;
  }
  // Another document, so that nothing of this one is kept; and a browser that kept it whole to go back to asks anew.
  window.addEventListener("pageshow", (event) => event.persisted && window.location.reload());
  window.location.replace("/login");
  return undefined;
}
