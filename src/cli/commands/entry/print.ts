// Entries as people read them, in the lines that SPIRE's tools print.
import type { Json, JsonObject } from '../../../base/json.ts'
import { goText, goTime } from '../../output/text.ts'

const WIDTH = 24

/** Ends in an empty line. */
export function entryText(entry: JsonObject): string {
  const line = (title: string, value: string): string => `${title.padEnd(WIDTH)}: ${value}`
  const each = (title: string, name: string): string[] => listOf(entry[name]).map((value) => line(title, goText(value)))
  const where = (title: string, name: string): string[] => (entry[name] ? [line(title, goText(entry[name]))] : [])
  const ttl = (name: string): string => (entry[name] ? goText(entry[name]) : 'default')
  const lines = [
    line('Entry ID', entry['id'] ? goText(entry['id']) : '(none)'),
    line('SPIFFE ID', goText(entry['spiffe_id'] ?? '')),
    line('Parent ID', goText(entry['parent_id'] ?? '')),
    line('Revision', goText(entry['revision_number'] ?? 0)),
    ...where('Downstream', 'downstream'),
    line('X509-SVID TTL', ttl('x509_svid_ttl')),
    line('JWT-SVID TTL', ttl('jwt_svid_ttl')),
    ...(entry['expires_at'] ? [line('Expiration time', goTime(goText(entry['expires_at'])))] : []),
    ...each('Selector', 'selectors'),
    ...each('FederatesWith', 'federates_with'),
    ...each('DNS name', 'dns_names'),
    ...where('Subject', 'subject'),
    ...where('Admin', 'admin'),
    ...where('StoreSvid', 'store_svid'),
    ...where('Hint', 'hint'),
    ...where('DisableX509SvidPrefetch', 'disable_x509_svid_prefetch'),
    ...where('JwtSvidIncludeJti', 'jwt_svid_include_jti'),
  ]
  return `${lines.join('\n')}\n`
}

export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : []
}
