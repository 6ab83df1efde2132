// The browser's storages, with a memory behind each: where one is blocked, missing or full, the page works on and forgets at a reload.

/** Holds texts by name. Never raises. */
export class Shelf {
  readonly #memory = new Map<string, string>();
  readonly #area: () => Storage | null;

  /** @param area is called anew each time: a browser that blocks cookies raises when it is read. */
  constructor(area: () => Storage | null) {
    this.#area = area;
  }

  read(name: string): string | null {
    return this.#memory.get(name) ?? this.#tried((area) => area.getItem(name));
  }

  write(name: string, text: string): void {
    const isStored = this.#tried((area) => (area.setItem(name, text), true));
    if (isStored) this.#memory.delete(name);
    else this.#memory.set(name, text);
  }

  remove(name: string): void {
    this.#memory.delete(name);
    this.#tried((area) => area.removeItem(name));
  }

  names(): string[] {
    return [...new Set([...this.#memory.keys(), ...(this.#tried((area) => Object.keys(area)) ?? [])])];
  }

  #tried<Result>(use: (area: Storage) => Result): Result | null {
    try {
      const area = this.#area();
      return area && use(area);
    } catch {
      return null;
    }
  }
}

/** Of this tab. */
export const tabShelf = new Shelf(() => sessionStorage);
/** Of all tabs of this browser. */
export const browserShelf = new Shelf(() => localStorage);
