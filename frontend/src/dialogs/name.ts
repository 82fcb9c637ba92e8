const NAME = /^[A-Za-z0-9][A-Za-z0-9._~-]{0,63}$/

/** The rule of fusion.CheckName. */
export function goodName(name: string): boolean {
  return NAME.test(name)
}

/** The rule of fusion.ParseMAC, for addresses with colons or dashes. */
export function goodMac(text: string): boolean {
  const mac = text.trim()
  return /^[0-9a-f][02468ace]([:-])[0-9a-f]{2}(\1[0-9a-f]{2}){4}$/i.test(mac) && /[^0:-]/.test(mac)
}

/** A file's name as one of the image pool. */
export function imageName(file: string): string {
  const safe = file.replace(/[^A-Za-z0-9._~-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '')
  return (safe || 'image.iso').slice(-64).replace(/^[^A-Za-z0-9]+/, '')
}

/** A name that is free: the one itself, or with the first number from two on that makes it so. */
export function freeName(name: string, taken: (name: string) => boolean): string {
  const stem = name.slice(0, 60)
  for (let n = 1; ; n++) {
    const free = n === 1 ? stem : `${stem}-${n}`
    if (!taken(free)) return free
  }
}
