// A status: its word, its icon and its colour, which says nothing that the others do not.

import type { Word } from "../lib/words";
import { Icon } from "./Icon";

export function Status({ word, large = false }: { word: Word; large?: boolean }) {
  return (
    <span className={`status tone-${word.tone}${large ? " status-large" : ""}`}>
      <Icon name={word.icon} />
      {word.text}
    </span>
  );
}
