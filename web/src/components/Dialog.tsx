// Dialogs: the browser's own, which keeps the focus inside, the rest of the page out, and Escape working.

import { type ReactNode, useId, useLayoutEffect, useRef } from "react";

import { Icon } from "./Icon";
import { Toasts } from "./Toasts";

interface Props {
  title: string;
  close: () => void;
  children: ReactNode;
  /** A dialog in the middle, or a drawer at the side. */
  shape?: "dialog" | "drawer";
  /** Whether it can't be closed without an answer. */
  firm?: boolean;
}

export function Dialog({ title, close, children, shape = "dialog", firm = false }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const name = useId();
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    // It is closed before it leaves the page: only so the browser gives the focus back to what opened it.
    return () => {
      element?.close();
      // What opened it may be gone.
      if (document.activeElement === document.body) document.getElementById("main")?.focus({ preventScroll: true });
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      className={shape}
      aria-labelledby={name}
      onKeyDown={(event) => {
        if (firm && event.key === "Escape") event.preventDefault();
      }}
      onCancel={(event) => {
        event.preventDefault();
        if (!firm) close();
      }}
      onClose={({ currentTarget: closed }) => {
        // Browsers let nobody refuse a second Escape.
        if (closed.open) return;
        if (firm) closed.showModal();
        else close();
      }}
      onClick={(event) => {
        if (event.target === dialog.current && !firm) close();
      }}
    >
      <div className="dialog-box">
        <header className="dialog-head">
          <h2 id={name}>{title}</h2>
          {!firm && (
            <button type="button" className="button quiet icon-only" aria-label="Close" onClick={close}>
              <Icon name="close" />
            </button>
          )}
        </header>
        {children}
      </div>
      <Toasts />
    </dialog>
  );
}

interface ConfirmProps {
  title: string;
  children: ReactNode;
  /** What the button says that does it. */
  act: string;
  danger?: boolean;
  busy: boolean;
  confirm: () => void;
  close: () => void;
}

export function Confirm({ title, children, act, danger = false, busy, confirm, close }: ConfirmProps) {
  return (
    <Dialog title={title} close={close}>
      <div className="dialog-text">{children}</div>
      <footer className="dialog-foot">
        <button type="button" className="button" onClick={close}>
          {danger ? "Keep it" : "Not now"}
        </button>
        <button type="button" className={`button ${danger ? "danger" : "primary"}`} disabled={busy} onClick={confirm}>
          {act}
        </button>
      </footer>
    </Dialog>
  );
}
