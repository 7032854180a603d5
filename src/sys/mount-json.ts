// A mount as the system API shows it (Vault API, "/sys/mounts" and "/sys/auth").
import type { JsonObject } from '../base/json.ts'
import type { Mount } from '../contract/mount.ts'
import type { TtlBounds } from '../base/ttl.ts'
import { SINGLE_TYPES } from '../tenancy/protected.ts'
import { describeUserLockout } from './user-lockout.ts'
import { RUNNING_VERSION } from './version.ts'

export function describeMount(mount: Mount): JsonObject {
  return {
    accessor: mount.accessor,
    config: describeConfig(mount),
    deprecation_status: 'supported',
    description: mount.description,
    external_entropy_access: false,
    local: mount.local,
    options: describeOptions(mount),
    plugin_version: '',
    running_plugin_version: RUNNING_VERSION,
    running_sha256: '',
    seal_wrap: false,
    type: shownType(mount),
    uuid: mount.uuid,
  }
}

/** What someone without a token may know of a visible mount. */
export function describeVisible(mount: Mount): JsonObject {
  return { description: mount.description, type: mount.type, options: describeOptions(mount) }
}

function describeOptions({ type, options }: Mount): JsonObject | null {
  return options ? { ...options } : SINGLE_TYPES.includes(type) ? null : {}
}

/** The mounts that every namespace has are called differently below the root, by which user interfaces tell them. */
function shownType({ type, namespace }: Mount): string {
  return namespace !== '' && SINGLE_TYPES.includes(type) ? `ns_${type}` : type
}

function describeConfig(mount: Mount): JsonObject {
  const { config } = mount
  return {
    default_lease_ttl: config.defaultLeaseTtl,
    force_no_cache: false,
    max_lease_ttl: config.maxLeaseTtl,
    ...shared(mount),
    ...(config.userLockout ? { user_lockout_config: describeUserLockout(config.userLockout) } : {}),
  }
}

/** What `tune` reads: lifetimes as they take effect. */
export function describeTuning(mount: Mount, bounds: TtlBounds): JsonObject {
  return {
    default_lease_ttl: bounds.defaultTtl,
    description: mount.description,
    force_no_cache: false,
    max_lease_ttl: bounds.maxTtl,
    ...(mount.options ? { options: { ...mount.options } } : {}),
    ...shared(mount),
    ...(mount.config.userLockout ? describeUserLockout(mount.config.userLockout) : {}),
  }
}

function shared({ class: of, config }: Mount): JsonObject {
  return {
    ...(of === 'auth' ? { token_type: config.tokenType } : {}),
    ...(config.listingVisibility === '' ? {} : { listing_visibility: config.listingVisibility }),
    ...(config.auditNonHmacRequestKeys.length === 0 ? {} : { audit_non_hmac_request_keys: [...config.auditNonHmacRequestKeys] }),
    ...(config.auditNonHmacResponseKeys.length === 0 ? {} : { audit_non_hmac_response_keys: [...config.auditNonHmacResponseKeys] }),
  }
}
