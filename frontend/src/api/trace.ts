const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** A random trace ID as fusion.NewTrace makes them: one per action of a person. */
export function newTrace(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(26))
  return Array.from(bytes, (b) => ALPHABET[b & 31]).join('')
}
