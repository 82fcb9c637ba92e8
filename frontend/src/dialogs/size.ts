const UNITS: Record<string, number> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }
const SIZE = /^(\d+(?:[.,]\d+)?)\s*(?:([kmgt])(?:i?b)?)?$/i

/** What a person typed as a size, in whole bytes: "2 GiB", "512m", "1,5"; without a unit GiB. NaN where it is none. */
export function sizeOf(text: string): number {
  const [, number, unit = 'g'] = SIZE.exec(text.trim()) ?? []
  return number === undefined ? NaN : Math.round(Number(number.replace(',', '.')) * UNITS[unit.toLowerCase()]!)
}

/** A size as a person would type it, never less than it is: "2 GiB", "1.5 GiB", "2252 MiB". */
export function sizeText(bytes: number): string {
  const gib = bytes / 2 ** 30
  return Number.isInteger(gib * 4) ? `${gib} GiB` : `${Math.ceil(bytes / 2 ** 20)} MiB`
}
