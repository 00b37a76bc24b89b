// A box that scrolls to its sides, and shows on which of them there is more.

import { type ReactNode, useEffect, useRef } from "react";

export function Sideways({ children }: { children: ReactNode }) {
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const outer = frame.current;
    const inner = outer?.firstElementChild;
    if (outer == null || inner == null) return;
    const look = () => {
      const left = inner.scrollLeft > 1;
      const right = inner.scrollLeft + inner.clientWidth < inner.scrollWidth - 1;
      outer.dataset["more"] = `${left ? "left" : ""} ${right ? "right" : ""}`.trim();
    };
    inner.addEventListener("scroll", look, { passive: true });
    const sized = new ResizeObserver(look);
    for (const element of [inner, ...inner.children]) sized.observe(element);
    return () => {
      inner.removeEventListener("scroll", look);
      sized.disconnect();
    };
  }, []);
  return (
    <div ref={frame} className="sideways">
      <div className="grid-scroll">{children}</div>
    </div>
  );
}
