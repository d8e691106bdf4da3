import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./page.css";
import { App } from "./app.tsx";
import { feedAddress, Store, StoreContext } from "./store.ts";

const root = document.getElementById("app");
if (root === null)
  throw new Error("index.html has no element with the id app");

// What index.html says to browsers without scripts is done with.
root.replaceChildren();
render(
  <StoreContext.Provider value={new Store(feedAddress())}>
    <App />
  </StoreContext.Provider>,
  root,
);
