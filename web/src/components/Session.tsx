// Logging in without leaving the page.

import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";

import { logIn, useSession } from "../lib/session";
import { Dialog } from "./Dialog";
import { Icon } from "./Icon";

/** Over the page when the session has run out; it goes on where it was. */
export function Session({ known }: { known: boolean }) {
  const { expired } = useSession();
  if (!expired) return null;
  return (
    <Dialog title={known ? "Your session has expired" : "Log in to Backfill"} close={() => undefined} firm>
      <div className="dialog-text">
        {known && <p>Nothing is lost: jobs go on without you, and this page stays where it is.</p>}
        <LogIn />
      </div>
    </Dialog>
  );
}

function LogIn() {
  const queries = useQueryClient();
  const [wrong, setWrong] = useState<string>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const token = new FormData(event.currentTarget).get("token");
    setBusy(true);
    try {
      const why = await logIn(String(token).trim());
      setWrong(why);
      if (why === undefined) await queries.invalidateQueries();
    } catch {
      setWrong("The host can't be reached.");
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className="login" onSubmit={(event) => void submit(event)}>
      {wrong !== undefined && (
        <p className="login-wrong" role="alert">
          <Icon name="alert" /> {wrong}
        </p>
      )}
      <div className="field">
        <label htmlFor="token">Your token</label>
        <input id="token" name="token" type="password" className="input" autoComplete="current-password" required />
      </div>
      <button type="submit" className="button primary" disabled={busy}>
        Log in
      </button>
      <p className="field-help">
        No token? <code>backfill login</code> on the host prints a link that logs this browser in, once.
      </p>
    </form>
  );
}
