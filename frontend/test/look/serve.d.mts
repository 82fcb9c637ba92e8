/** Serves the built page with the node in memory, until end is called. */
export function serve(env?: Record<string, string>): Promise<{ base: string; end: () => void }>
