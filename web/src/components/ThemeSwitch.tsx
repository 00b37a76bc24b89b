// Light, dark, or as the system has it.

import { useState } from "react";

import { Icon } from "./Icon";

const THEMES = { system: "screen", light: "sun", dark: "moon" } as const;
type Theme = keyof typeof THEMES;

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };

function stored(): Theme {
  const theme = document.documentElement.dataset["theme"];
  return theme === "light" || theme === "dark" ? theme : "system";
}

export function ThemeSwitch() {
  const [theme, setTheme] = useState(stored);
  const change = () => {
    const next = NEXT[theme];
    setTheme(next);
    if (next === "system") {
      delete document.documentElement.dataset["theme"];
    } else {
      document.documentElement.dataset["theme"] = next;
    }
    try {
      localStorage.setItem("theme", next);
    } catch {
      // Storage is turned off; the choice lasts as long as the page.
    }
    window.dispatchEvent(new Event("theme"));
  };
  const label = `Theme: ${theme}. Change to ${NEXT[theme]}.`;
  return (
    <button type="button" className="button quiet icon-only" aria-label={label} title={label} onClick={change}>
      <Icon name={THEMES[theme]} />
    </button>
  );
}
