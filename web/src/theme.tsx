import { useLayoutEffect, useState } from "preact/hooks";

const choices = ["auto", "light", "dark"] as const;
type Theme = (typeof choices)[number];
const names: Readonly<Record<Theme, string>> = { auto: "as the system", light: "light", dark: "dark" };
const signs: Readonly<Record<Theme, string>> = { auto: "◐", light: "☀", dark: "☾" };
const key = "hebb-theme";

function stored(): Theme {
  try {
    const value = localStorage.getItem(key) as Theme;
    return choices.includes(value) ? value : "auto";
  } catch {
    return "auto";
  }
}

/** Light, dark, or as the system has it; kept in this browser. */
export function ThemeToggle() {
  const [theme, setTheme] = useState(stored);
  // Before the first paint, so that a dark page never starts white.
  useLayoutEffect(() => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem(key, theme);
    } catch {
      // A browser that keeps nothing shows the theme until the page is left.
    }
  }, [theme]);
  const next = choices[(choices.indexOf(theme) + 1) % choices.length];
  return (
    <button
      type="button"
      class="theme"
      onClick={() => setTheme(next)}
      aria-label={`Colours: ${names[theme]}. Change to ${names[next]}`}
      title={`Colours: ${names[theme]}`}
    >
      <span aria-hidden="true">{signs[theme]}</span>
    </button>
  );
}
