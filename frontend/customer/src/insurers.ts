// The insurers that will be asked, as core-app names them.

let loaded: Promise<readonly string[]> | undefined;

/** Their names; none where core-app does not know them now. */
export function loadInsurers(): Promise<readonly string[]> {
  loaded ??= fetch('/insurers')
    .then(async (response): Promise<readonly string[]> => {
      if (!response.ok) throw new Error(String(response.status));
      return (await response.json()).insurers.map(({ name }: { name: string }) => name);
    })
    .catch(() => {
      loaded = undefined;
      return [];
    });
  return loaded;
}
