import { useEffect, useState } from "preact/hooks";
import type { Language } from "./text.ts";

/** What a person chose, kept in the browser. A browser that keeps nothing
 * (private windows may refuse) just forgets it. */
function remember(key: string, value: string): void {
  try {
    localStorage.setItem(`herald.${key}`, value);
  } catch {
    // Not kept.
  }
}

function remembered(key: string): string | null {
  try {
    return localStorage.getItem(`herald.${key}`);
  } catch {
    return null;
  }
}

export type Theme = "dark" | "light";

const prefersDark = matchMedia("(prefers-color-scheme: dark)");

function chosenTheme(): Theme | undefined {
  const kept = remembered("theme");
  return kept === "dark" || kept === "light" ? kept : undefined;
}

/** The colours: the system's until somebody presses the button. */
export function useTheme(): [Theme, (theme: Theme) => void] {
  const [chosen, setChosen] = useState(chosenTheme);
  const [system, setSystem] = useState<Theme>(
    prefersDark.matches ? "dark" : "light");
  useEffect(() => {
    const follow = (): void => setSystem(prefersDark.matches ? "dark" : "light");
    prefersDark.addEventListener("change", follow);
    // It may have changed between the first drawing and here.
    follow();
    return () => prefersDark.removeEventListener("change", follow);
  }, []);
  const theme = chosen ?? system;
  // Written before the children's effects, which read colours from CSS.
  document.documentElement.dataset["theme"] = theme;
  return [theme, (next) => {
    remember("theme", next);
    setChosen(next);
  }];
}

export function useLanguage(): [Language, (language: Language) => void] {
  const [language, setLanguage] = useState<Language>(() => {
    const kept = remembered("language");
    if (kept === "en" || kept === "fr")
      return kept;
    return navigator.language.toLowerCase().startsWith("fr") ? "fr" : "en";
  });
  document.documentElement.lang = language;
  return [language, (next) => {
    remember("language", next);
    setLanguage(next);
  }];
}
