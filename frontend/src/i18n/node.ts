import { i18n, t, type Key } from './i18n.svelte'
import { nodeZh } from './node.zh'

/** A text with parts that vary: what stands between them, and the Chinese form. */
interface Template {
  pattern: RegExp
  chinese: string
  weight: number
}

const HOLE = /\{\d\}/
const LONGEST = 2000 // characters; a longer text is no sentence of a node

const literals = new Map(Object.entries(nodeZh).filter(([english]) => !HOLE.test(english)))
/** The template that says most by itself is tried first. */
const templates: Template[] = Object.entries(nodeZh)
  .filter(([english]) => HOLE.test(english))
  .map(([english, chinese]) => compile(english, chinese))
  .sort((a, b) => b.weight - a.weight)

function compile(english: string, chinese: string): Template {
  const fixed = english.split(HOLE)
  const pattern = fixed.map((s) => s.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')).join('([^\\n]+?)')
  return { pattern: new RegExp(`^${pattern}$`), chinese, weight: fixed.join('').length }
}

/**
 * What a node says in English, in the language of the page; as it is where no
 * template fits. The parts that vary are never read as templates.
 */
export function nodeText(english: string): string {
  if (i18n.language !== 'zh' || english.length > LONGEST) return english
  const literal = literals.get(english)
  if (literal !== undefined) return literal
  for (const { pattern, chinese } of templates) {
    const parts = pattern.exec(english)
    if (parts) return chinese.replace(/\{(\d)\}/g, (all, n: string) => parts[Number(n) + 1] ?? all)
  }
  return english
}

/** Several sentences of a node in one text, as those of a folder's note. */
export function nodeTexts(english: string): string {
  const whole = nodeText(english)
  if (i18n.language !== 'zh' || whole !== english) return whole
  return english.split('; ').map(nodeText).join('；')
}

/** How package fusion writes what was done, to what, and why it failed. */
const DONE = /^(?:api|[a-z]+(?:\.[a-z-]+)+) \S+: /
const CAUSES: Record<string, Key> = {
  'not found': 'cause.not_found', 'exists already': 'cause.exists', 'not permitted': 'cause.permission', invalid: 'cause.invalid',
  unsupported: 'cause.unsupported', offline: 'cause.offline', 'not paired': 'cause.unpaired', busy: 'cause.busy',
}

/** An error that a node kept as one line, "op path: cause: detail": what says most to a person. */
export function nodeError(line: string): string {
  for (let rest = line; ; ) {
    const done = DONE.exec(rest)?.[0]
    const cause = done ? undefined : Object.keys(CAUSES).find((c) => rest === c || rest.startsWith(c + ': '))
    if (cause === rest) return t(CAUSES[cause]!)
    if (!done && !cause) return nodeText(rest)
    rest = rest.slice(done?.length ?? cause!.length + 2)
  }
}
