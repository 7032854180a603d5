// Paths as people type them.

/** Without spaces and slashes around it. @example cleanPath('/secret/app/') // 'secret/app' */
export function cleanPath(text: string): string {
  return text.trim().replace(/^\/+|\/+$/g, '')
}

/** With a slash at the end, as mounts are shown. */
export function mountPath(text: string): string {
  const path = text.trim()
  return path === '' || path.endsWith('/') ? path : `${path}/`
}
