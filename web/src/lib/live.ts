// Follows server-sent events over anything that happens to the connection: goes on after the last event that arrived,
// waits longer after each failure, and says when it is time to ask by other means meanwhile.

import { expire } from "./session";

/** `live`: something arrives. `polling`: the connection failed several times in a row; it is still tried again. */
export type LiveState = "connecting" | "live" | "reconnecting" | "polling" | "ended";

export interface LiveEvent {
  event: string;
  data: unknown;
}

interface Listener {
  told(event: LiveEvent): void;
  changed(state: LiveState): void;
}

/** Failures in a row before the connection is given up for a while. */
const PATIENCE = 2;

/** The host says something at once; a connection that brings nothing may hang, or be held back by a proxy. */
const FIRST_MS = 10_000;

/** The host sends a sign of life every 15 s; a connection without any is dead. */
const SILENCE_MS = 40_000;

/** Follows until the events end, or until the function that it gives is called. */
export function follow(path: string, listener: Listener): () => void {
  const stop = new AbortController();
  void run(path, listener, stop.signal);
  return () => stop.abort();
}

async function run(path: string, listener: Listener, stop: AbortSignal): Promise<void> {
  let last: string | undefined;
  let failures = 0;
  listener.changed("connecting");
  while (!stop.aborted) {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), FIRST_MS);
    try {
      const headers = { Accept: "text/event-stream", ...(last === undefined ? {} : { "Last-Event-ID": last }) };
      const response = await fetch(path, { headers, signal: AbortSignal.any([stop, silence.signal]) });
      if (response.status === 401) {
        expire();
        return;
      }
      if (response.status === 404) {
        return;
      }
      if (!response.ok || response.body === null) {
        throw new Error(`answered ${response.status}`);
      }
      let heard = false;
      for await (const message of messages(response.body)) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE_MS);
        // An answer that begins shows nothing yet: a proxy may keep all that follows to itself.
        if (!heard) listener.changed("live");
        heard = true;
        failures = 0;
        if (message === undefined) continue;
        last = message.id ?? last;
        listener.told({ event: message.event, data: JSON.parse(message.data) });
        if (message.event === "end") {
          listener.changed("ended");
          return;
        }
      }
    } catch {
      // A host that is away, or a broken connection: what follows deals with it.
    } finally {
      clearTimeout(timer);
    }
    if (stop.aborted) return;
    failures += 1;
    listener.changed(failures > PATIENCE ? "polling" : "reconnecting");
    await pause(Math.min(400 * 2 ** failures, 8_000), stop);
  }
}

interface Message {
  id: string | undefined;
  event: string;
  data: string;
}

/** The messages of a stream (HTML standard, 9.2.6); nothing for what is only a sign of life. */
async function* messages(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<Message | undefined> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest += value;
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? "";
    for (const block of blocks) yield parse(block);
  }
}

function parse(block: string): Message | undefined {
  const message: Message = { id: undefined, event: "message", data: "" };
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [field, ...after] = line.split(":");
    const text = after.join(":").replace(/^ /, "");
    if (field === "data") data.push(text);
    if (field === "event") message.event = text;
    if (field === "id") message.id = text;
  }
  return data.length === 0 ? undefined : { ...message, data: data.join("\n") };
}

function pause(milliseconds: number, stop: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, milliseconds);
    stop.addEventListener("abort", () => (clearTimeout(timer), done()), { once: true });
  });
}
