// The name of a certificate in agent IDs and selectors.
import { createHash, type X509Certificate } from 'node:crypto'

/** SHA-1 of the whole, as SPIRE has it: it names, and protects nothing. */
export const fingerprint = ({ raw }: X509Certificate): string => createHash('sha1').update(raw).digest('hex')
