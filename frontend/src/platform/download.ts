/** Lets the browser download what an address gives, under a name. */
export function download(url: string, name: string): void {
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
}

/** Lets the browser save texts as one file. */
export function save(parts: string[], name: string, type: string): void {
  const url = URL.createObjectURL(new Blob(parts, { type }))
  download(url, name)
  // The download has it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
