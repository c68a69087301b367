// What the model saw without being sure enough to propose it: fetched when somebody asks for more.

import { Refusal } from "./client.js";

/** The weaker proposals of one set. `url` answers {weaker: [...]}; `state`: off, loading, on. */
export class Weaker {
  constructor(url) {
    this.url = url;
    this.state = "off";
    this.rows = null;
  }

  /** Show or hide them; throws a Refusal when they cannot be had. */
  async toggle() {
    if (this.state === "loading") return;
    if (this.state === "on") {
      this.state = "off";
      return;
    }
    this.state = "loading";
    try {
      this.rows ??= await fetched(this.url);
      this.state = "on";
    } catch (error) {
      this.state = "off";
      throw error;
    }
  }

  /** Those of a photo that are shown now, as the list and the outlines want them. */
  of(photo) {
    const rows = this.state === "on" ? this.rows.filter((row) => row.photo === photo.id && !row.isTaken) : [];
    return rows.map((row) => ({
      ...row, state: "weaker", number: `${Math.round(row.score * 100)} %`, confidence: row.score, isWeaker: true,
    }));
  }

  /** The one with this id, if it is shown. */
  find(id) {
    return this.state === "on" && this.rows.find((row) => row.id === id && !row.isTaken);
  }

  /** It is a damage now, or (`isTaken` false) none any more. */
  take(id, isTaken = true) {
    const row = this.rows?.find((one) => one.id === id);
    if (row) row.isTaken = isTaken;
  }

  /** What stands below the list of a photo on which `count` are shown; empty: nothing. */
  note(count) {
    if (this.state === "loading") return "Looking for weaker proposals\u2026";
    if (this.state === "off") return "";
    return count ? "Dashed: the model was not sure enough to propose these." : "The model saw nothing else on this photo.";
  }
}

async function fetched(url) {
  let response;
  try {
    response = await fetch(url, { headers: { Accept: "application/json" }, redirect: "manual" });
  } catch {
    throw new Refusal("The server cannot be reached; please try again.");
  }
  const isJson = (response.headers.get("content-type") || "").includes("json");
  if (!response.ok || !isJson) throw new Refusal("The weaker proposals could not be loaded. Reload the page, please.", response.status);
  return (await response.json()).weaker;
}
