import { Component, type ComponentChildren, type ComponentType } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { findRoute, href, type PageModule, type PageProps, useRoute } from "./router.js";
import { routes } from "./routes.js";
import { ThemeToggle } from "./theme.js";
import { Loading, Notice } from "./ui/index.js";

const sections = [
  { path: "/", name: "Papers" },
  { path: "/runs", name: "Runs" },
  { path: "/compare", name: "Compare" },
  { path: "/data", name: "Your data" },
] as const;

export function App() {
  const { path, query } = useRoute();
  const found = findRoute(routes, path);
  const main = useRef<HTMLElement>(null);
  const [Page, failure] = usePage(found?.route.load);

  // Before the effects of the page, which may know a better title.
  const title = found ? found.route.title : "No such page";
  useLayoutEffect(() => {
    document.title = title ? `${title} · Hebb` : "Hebb: how neural networks learn";
  }, [path, title]);

  // A new page is read from its start; a changed query is the same page.
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    globalThis.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [path]);

  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <header class="top">
        <a class="brand" href={href("/")}>
          <img src="icon.svg" alt="" width="28" height="28" /> Hebb
        </a>
        <nav aria-label="Sections">
          {sections.map(({ path: to, name }) => (
            <a key={to} href={href(to)} aria-current={isIn(path, to) ? "page" : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <ThemeToggle />
      </header>
      <main id="main" tabIndex={-1} ref={main}>
        <Guard key={path}>
          {!found ? (
            <Notice kind="error">
              There is no page {path}. <a href={href("/")}>All papers</a>
            </Notice>
          ) : failure ? (
            <Notice kind="error">
              This page could not be loaded: {failure}. The others still work;{" "}
              <button type="button" class="button quiet" onClick={() => globalThis.location.reload()}>
                try again
              </button>
              .
            </Notice>
          ) : Page ? (
            <Page params={found.params} query={query} />
          ) : (
            <Loading what="the page" />
          )}
        </Guard>
      </main>
      <footer class="bottom">
        <p>
          Hebb: how neural networks learn, remember, generalise and forget. Every study has a criterion that was fixed
          before it ran; a verdict may be “no”. <a href="content/feed.atom">Feed of verdicts</a>
        </p>
      </footer>
    </>
  );
}

const isIn = (path: string, section: string): boolean =>
  section === "/" ? path === "/" || path.startsWith("/paper/") : path.startsWith(section) || isRun(path, section);
const isRun = (path: string, section: string): boolean => section === "/runs" && /^\/(?:run|job)\//.test(path);

/** The component of a page once its code is here, or why it is not. */
function usePage(load: (() => Promise<PageModule>) | undefined): [ComponentType<PageProps>?, string?] {
  const [state, setState] = useState<{ load: unknown; page?: ComponentType<PageProps>; failure?: string }>({
    load: undefined,
  });
  useEffect(() => {
    let current = true;
    load?.().then(
      (module) => current && setState({ load, page: module.default }),
      (error: Error) => current && setState({ load, failure: error.message }),
    );
    return () => {
      current = false;
    };
  }, [load]);
  return state.load === load ? [state.page, state.failure] : [];
}

/** A fault in one page leaves the rest of the lab alone. */
class Guard extends Component<{ children: ComponentChildren }, { error?: Error }> {
  static override getDerivedStateFromError(error: Error) {
    return { error };
  }
  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <Notice kind="error">
        This page has met a fault of its own: {error.message}. Your runs and data are safe, and the other pages work.
      </Notice>
    );
  }
}
