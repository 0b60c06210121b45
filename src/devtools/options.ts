// The options of the page.
import { CacheError } from '../model/errors.js'
import { checkOptions, invalid } from '../model/option-rules.js'
import type { SiteRules } from './http/site.js'

/** Who may see the page, and what it may do. By default clients on this machine may see it, and it changes nothing. */
export interface DevtoolsOptions {
  /**
   * Opens the page to clients elsewhere, once they have given this token: in a form, or as `Authorization: Bearer <token>`. At least 16
   * characters. The page should then be served over HTTPS.
   */
  readonly token?: string | undefined
  /** Whether the page may delete, expire, invalidate and clear. Default: `false`. */
  readonly allowChanges?: boolean | undefined
  /** Whether the page shows values. They may be secret, so the default is `false`. */
  readonly showValues?: boolean | undefined
}

const SHORTEST_TOKEN = 16

/** Throws `INVALID_OPTION` for a wrong option. */
export function checkDevtoolsOptions(options: DevtoolsOptions | undefined): SiteRules {
  const { token, allowChanges, showValues } =
    checkOptions(options, ['token', 'allowChanges', 'showValues'], 'devtools') ?? {}
  if (token !== undefined && typeof token !== 'string') throw invalid('token', 'a string', token)
  if (token !== undefined && token.length < SHORTEST_TOKEN) {
    throw new CacheError(
      'INVALID_OPTION',
      `token must have at least ${SHORTEST_TOKEN} characters, so that nobody can guess it; got ${token.length}. Take a random one`,
    )
  }
  return {
    token,
    allowChanges: checkFlag(allowChanges, 'allowChanges'),
    showValues: checkFlag(showValues, 'showValues'),
  }
}

function checkFlag(value: unknown, name: string): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false
  throw invalid(name, 'true or false', value)
}
