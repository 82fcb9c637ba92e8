/** What one row of the grants dialog says: capabilities on one object until a time. */
export interface Row {
  /** "" is everything on the computer; else MACHINE, MACHINE/APP or, of files, a folder. */
  object: string
  folder: boolean
  caps: string[]
  /** null is for good. */
  until: Date | null
}

/** Those that a person is asked, in their order. */
export const whole = ['view', 'control', 'machines', 'apps', 'files', 'microphone', 'tunnel', 'mesh', 'admin'] as const
export const ofMachine = ['view', 'control', 'machines', 'apps', 'microphone'] as const
export type Cap = (typeof whole)[number]
export const known = (cap: string): cap is Cap => (whole as readonly string[]).includes(cap)

/** One grant of package fusion: CAP[@OBJECT][,until=TIME]. */
export interface Grant {
  cap: string
  object: string
  until: Date | null
}

export function parse(word: string): Grant | null {
  const match = /^([a-z]+)(?:@([^,]+))?(?:,until=(.+))?$/.exec(word)
  if (!match) return null
  const until = match[3] ? new Date(match[3]) : null
  if (until && Number.isNaN(until.getTime())) return null
  return { cap: match[1]!, object: match[2] ?? '', until }
}

/** With seconds alone, as RFC 3339 has it. */
const stamp = (d: Date) => d.toISOString().replace(/\.\d+Z$/, 'Z')
export const print = (g: Grant): string => g.cap + (g.object && '@' + g.object) + (g.until ? ',until=' + stamp(g.until) : '')

/** The grants as rows; words of a later release, which this page cannot show, are kept apart. */
export function rows(words: string[]): { rows: Row[]; rest: string[] } {
  const out: Row[] = []
  const rest: string[] = []
  for (const word of words) {
    const g = parse(word)
    if (!g || !known(g.cap)) {
      rest.push(word)
      continue
    }
    const folder = g.cap === 'files' && g.object !== ''
    const row = out.find((r) => r.object === g.object && r.folder === folder && r.until?.getTime() === g.until?.getTime())
    if (row) row.caps.push(g.cap)
    else out.push({ object: g.object, folder, caps: [g.cap], until: g.until })
  }
  const order = (caps: string[]) => caps.sort((a, b) => whole.indexOf(a as Cap) - whole.indexOf(b as Cap))
  for (const row of out) order(row.caps)
  return { rows: out.sort((a, b) => Number(a.object !== '') - Number(b.object !== '') || Number(a.folder) - Number(b.folder) || a.object.localeCompare(b.object)), rest }
}

/** Rows as grants; admin of everything includes all of it. */
export function words(list: Row[], rest: string[] = []): string[] {
  const out = list.flatMap((row) => row.caps.map((cap) => print({ cap, object: row.object, until: row.until })))
  return [...new Set([...out, ...rest])]
}

/** Ends that are often meant, from the present moment on: by this computer's clock and week. */
export function ends(now = new Date()): { hour: Date; tonight: Date; friday: Date; week: Date } {
  const at = (days: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days, 23, 59, 59)
  const toFriday = (5 - now.getDay() + 7) % 7
  return { hour: new Date(now.getTime() + 3_600_000), tonight: at(0), friday: at(toFriday), week: at(7) }
}
