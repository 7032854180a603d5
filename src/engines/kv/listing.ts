// LIST of one folder and SCAN of all below it, page by page.
import { int, list as texts, or, text } from '../../base/fields.ts'
import type { Ctx } from '../../contract/module.ts'
import { keys, type Reply } from '../../contract/reply.ts'
import { children, type Page } from '../../store/folder.ts'
import { SECRETS, secretKeys } from './secret.ts'

export const PAGE = {
  after: or(text('The last name of the page before; it need not exist.'), ''),
  limit: or(int('The most names to return; 0 is all.'), 0),
}
export const NAMES = { keys: texts('The names, sorted; a folder’s ends in a slash.') }

export interface PageInput {
  readonly path: string
  readonly after: string
  readonly limit: number
}

export function list(ctx: Ctx, input: PageInput): Reply {
  return keys(listNames(ctx, input))
}

export function scan(ctx: Ctx, input: PageInput): Reply {
  return keys(scanNames(ctx, input))
}

export function listNames(ctx: Ctx, input: PageInput): string[] {
  return Array.from(children(secretKeys(ctx.store), SECRETS + folder(input.path), page(input)))
}

export function scanNames(ctx: Ctx, input: PageInput): string[] {
  const prefix = SECRETS + folder(input.path)
  const { after, ...limit } = page(input)
  const span = { prefix, ...limit, ...(after === undefined ? {} : { after: prefix + after }) }
  return Array.from(secretKeys(ctx.store).keys(span), (key) => key.slice(prefix.length))
}

export function folder(path: string): string {
  return path === '' || path.endsWith('/') ? path : `${path}/`
}

function page(input: PageInput): Page {
  return { ...(input.after === '' ? {} : { after: input.after }), ...(input.limit > 0 ? { limit: input.limit } : {}) }
}
