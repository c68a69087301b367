// Talking to the server: JSON POSTs, one after the other, with refusals as exceptions people can read.

/** A request that did not do what was asked. `status` is 0 when nobody answered. */
export class Refusal extends Error {
  constructor(message, status = 0, data = {}) {
    super(message);
    this.status = status;
    this.data = data;
  }
}

async function answer(response) {
  if (response.type === "opaqueredirect") {
    throw new Refusal("You are logged out. Log in in another tab, then try again.", 401);
  }
  if (!(response.headers.get("content-type") || "").includes("json")) {
    const again = response.status === 403 ? "Reload the page, please." : "Please try again.";
    throw new Refusal(`The server could not do this (${response.status}). ${again}`, response.status);
  }
  const data = await response.json();
  if (!response.ok) {
    throw new Refusal(data.message, response.status, data);
  }
  return data;
}

/** A client for one set: `post(path, values)` returns the answer or throws a Refusal. */
export function createClient({ base, step, token }) {
  let last = Promise.resolve();

  async function send(path, values) {
    let response;
    try {
      response = await fetch(base + path, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": token },
        body: JSON.stringify({ step, ...values }),
        redirect: "manual",
      });
    } catch {
      throw new Refusal("The server cannot be reached. Nothing was changed; please try again.");
    }
    return answer(response);
  }

  return {
    post(path, values = {}) {
      // In the order of the clicks: an undo must not overtake what it takes back.
      const mine = last.then(() => send(path, values));
      last = mine.catch(() => undefined);
      return mine;
    },
  };
}
