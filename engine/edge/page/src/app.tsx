import { useEffect, useMemo, useRef } from "preact/hooks";
import { allMatches, type MatchList } from "../../client/feed.ts";
import { MatchListView } from "./list.tsx";
import { MatchView } from "./match.tsx";
import { Mark, MoonIcon, Notice, SunIcon } from "./parts.tsx";
import { useRoute } from "./route.ts";
import { useLanguage, useTheme } from "./settings.ts";
import { useChannel, useStatus } from "./store.ts";
import { TextContext, textsOf, useTexts } from "./text.ts";

export function App() {
  const [theme, setTheme] = useTheme();
  const [language, setLanguage] = useLanguage();
  const texts = useMemo(() => textsOf(language), [language]);
  const route = useRoute();
  // Followed on every view, so that the way back to the list is instant.
  const list = useChannel<MatchList>(allMatches);
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  const place = route.view === "match" ? route.match : route.view;

  useEffect(() => {
    const { t } = texts;
    document.title = route.view === "match"
      ? `${route.match} · ${t("title")}` : `${t("matches")} · ${t("title")}`;
  }, [place, texts]);

  // Whoever follows a link by keyboard or ear stands at the new heading.
  useEffect(() => {
    if (first.current) {
      first.current = false;
      return;
    }
    scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [place]);

  const { t } = texts;
  const other = language === "en" ? "fr" : "en";
  return (
    <TextContext.Provider value={texts}>
      <a class="skip" href="#main" onClick={(event) => {
        // The part behind # is where the page is, so it stays as it is.
        event.preventDefault();
        main.current?.focus();
      }}>{t("skip")}</a>
      <header class="top">
        <div class="top-inner">
          <a class="brand" href="#/" aria-label={`${t("title")}, ${t("matches")}`}>
            <Mark />
            <span>Herald</span>
          </a>
          <p class="tagline">{t("tagline")}</p>
          <Connection />
          <button type="button" class="quiet" lang={other}
            aria-label={`${other.toUpperCase()}, ${t("otherLanguageLabel")}`}
            onClick={() => setLanguage(other)}>
            {other.toUpperCase()}
          </button>
          <button type="button" class="quiet icon-button"
            aria-label={t(theme === "dark" ? "themeLight" : "themeDark")}
            title={t(theme === "dark" ? "themeLight" : "themeDark")}
            onClick={() => setTheme(theme === "dark" ? "light" : "dark")}>
            {theme === "dark" ? <SunIcon /> : <MoonIcon />}
          </button>
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        {route.view === "list"
          && <MatchListView {...list} />}
        {route.view === "match"
          && <MatchView key={route.match} match={route.match} theme={theme} />}
        {route.view === "unknown" && <Notice title={t("unknownPage")}>
          <a class="button" href="#/">{t("backToMatches")}</a>
        </Notice>}
      </main>
      <footer class="bottom">
        <p lang="en">
          Herald isn't endorsed by Riot Games and doesn't reflect the views or
          opinions of Riot Games or anyone officially involved in producing or
          managing Riot Games properties. Riot Games and all associated
          properties are trademarks or registered trademarks of Riot Games, Inc.
        </p>
      </footer>
    </TextContext.Provider>
  );
}

/** Whether what is on the screen is moving. */
function Connection() {
  const { t } = useTexts();
  const { phase, lost } = useStatus();
  const word = phase === "open" ? "connected"
    : phase === "closed" ? "disconnected"
      : lost ? "reconnecting" : "connecting";
  return (
    <p class={`connection ${word}`} role="status">
      <span class="dot" aria-hidden="true" />
      <span class="connection-word">{t(word)}</span>
    </p>
  );
}
