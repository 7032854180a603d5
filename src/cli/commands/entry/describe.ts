// How an entry is described on the command line: the flags, and what they come to in the API.
import type { JsonObject } from '../../../base/json.ts'
import type { Client } from '../../../client/client.ts'
import { parseBody } from '../../../client/secret.ts'
import { attempt, Failure } from '../../failure.ts'
import { bool, duration, type FlagValues, int, list, or, text } from '../../flag.ts'

export const ENTRIES = 'spiffe/entries'

/** Named as SPIRE names them. */
export const describing = {
  spiffeID: or(text('The SPIFFE ID that the workload gets.'), ''),
  parentID: or(text('The SPIFFE ID of the agent, or of the nodes, that it runs on.'), ''),
  selector: list('What describes the workload, as type:value; all must be true of it. May be given many times.'),
  x509SVIDTTL: or(duration("How long its X509-SVIDs live; 0 for the trust domain's time."), 0),
  jwtSVIDTTL: or(duration("How long its JWT-SVIDs live; 0 for the trust domain's time."), 0),
  federatesWith: list('Trust domain whose bundle it gets too. May be given many times.'),
  dns: list('DNS name in its X509-SVIDs; the first is their common name. May be given many times.'),
  subject: or(text('Subject of its X509-SVIDs, such as CN=orders, for servers that read nothing else.'), ''),
  admin: bool('Let it administer the trust domain.'),
  downstream: bool('It is a server that issues under this trust domain.'),
  storeSVID: bool('Keep its SVID from workloads: agents of SPIRE put it into a secret store, that of Signet does nothing with it.'),
  entryExpiry: or(int('When the entry ends, in seconds since 1970; 0 for never.'), 0),
  hint: or(text('Says to the workload what the identity is for.'), ''),
  disableX509SVIDPrefetch: bool('Issue its X509-SVIDs only when they are asked for.'),
  jwtSVIDIncludeJTI: bool('Give each of its JWT-SVIDs an id of its own.'),
}

/** The whole entry, what was not said being as in a new one. */
export function toEntry(given: FlagValues<typeof describing>): JsonObject {
  return {
    spiffe_id: given.spiffeID,
    parent_id: given.parentID,
    selectors: [...given.selector],
    x509_svid_ttl: given.x509SVIDTTL,
    jwt_svid_ttl: given.jwtSVIDTTL,
    federates_with: [...given.federatesWith],
    dns_names: [...given.dns],
    subject: given.subject,
    admin: given.admin,
    downstream: given.downstream,
    store_svid: given.storeSVID,
    expires_at: given.entryExpiry,
    hint: given.hint,
    disable_x509_svid_prefetch: given.disableX509SVIDPrefetch,
    jwt_svid_include_jti: given.jwtSVIDIncludeJTI,
  }
}

/** Throws a Failure for what is left out of a description. */
export function checkDescription({ spiffeID, parentID, selector }: FlagValues<typeof describing>): void {
  if (selector.length === 0) throw new Failure(1, 'at least one selector is required', { hints: ['-selector=unix:uid:1000'] })
  if (parentID === '') throw new Failure(1, 'a parent ID is required if the node flag is not set')
  if (spiffeID === '') throw new Failure(1, 'a SPIFFE ID is required')
}

/** The name of the server's trust domain. */
export async function trustDomain(client: Client): Promise<string> {
  const answer = await attempt('Error reading the trust domain', () => client.call('GET', 'spiffe/trust-domain'))
  return String((parseBody(answer.body) as JsonObject)['trust_domain'])
}
