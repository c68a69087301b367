// The lock on the set: a countdown, renewed while the person works.

const SOON_SECONDS = 120;
const RENEW_SECONDS = 60;

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

/** Counts down in `node`; `renew()` asks the server for more time, `onOver()` hears when there is none left. */
export class Lock {
  constructor({ node, keep, seconds, renew, onOver }) {
    Object.assign(this, { node, keep, renew, onOver });
    this.set(seconds);
    this.interval = Math.min(RENEW_SECONDS, seconds / 4 || RENEW_SECONDS);
    this.timer = setInterval(() => this.#tick(), 1000);
    for (const name of ["keydown", "pointerdown"]) document.addEventListener(name, () => this.#active());
  }

  /** The server said how many seconds are left. */
  set(seconds) {
    this.end = Date.now() + seconds * 1000;
    this.renewedAt = Date.now();
    this.wasOver = false;
    this.#tick();
  }

  stop() {
    clearInterval(this.timer);
    this.isStopped = true;
    this.node.textContent = "";
    this.keep.hidden = true;
  }

  #left() {
    return Math.max(0, Math.ceil((this.end - Date.now()) / 1000));
  }

  #tick() {
    const left = this.#left();
    this.node.textContent = left ? `Yours for ${clock(left)}` : "Your time is over";
    this.node.classList.toggle("ip-soon", left <= SOON_SECONDS);
    this.keep.hidden = left > SOON_SECONDS || left === 0;
    if (!left && !this.wasOver) {
      this.wasOver = true;
      this.onOver();
    }
  }

  /** Somebody is at the page: ask for more time, but not with every key. */
  #active() {
    if (this.isStopped || this.wasOver || Date.now() - this.renewedAt < this.interval * 1000) return;
    this.renewedAt = Date.now();
    this.renew();
  }
}
