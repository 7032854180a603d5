// Addresses that a request to whoever somebody names must not go to: this machine, its link, and what is nobody's.
import { cidrContains } from './cidr.ts'

/** By IANA's registries (RFC 6890). Private networks are not among them: what is asked lives there as often as not. */
const SPECIAL = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16', // where clouds tell machines their secrets
  '192.0.0.0/24',
  '224.0.0.0/3',
  '::/96',
  '64:ff9b::/96', // IPv4 by way of a gateway
  '64:ff9b:1::/48',
  '2002::/16',
  'fd00:ec2::/32', // as 169.254 above
  'fe80::/10',
  'ff00::/8',
]
const ALL = ['0.0.0.0/0', '::/0']

/**
 * Whether an address is of this machine, its link, many or nobody; what is no address is special too.
 * @example isSpecialAddress('::ffff:169.254.169.254') // true
 */
export const isSpecialAddress = (address: string): boolean => cidrContains(SPECIAL, address) || !cidrContains(ALL, address)
