// What stands between a tag and its release.

export interface Release {
  /** Such as `v1.2.3`. */
  readonly tag: string
  /** The version in package.json. */
  readonly version: string
  readonly lockedVersion: string
  readonly changelog: string
}

/** The version of the newest section of the changelog that has one, and its date or what stands there instead. */
export function newestSection(changelog: string): { version: string; date: string } | undefined {
  const [, version, date] = /^## \[(\d[^\]]*)\] - (.*)$/m.exec(changelog) ?? []
  return version === undefined || date === undefined ? undefined : { version, date }
}

/** One sentence for each problem; empty if the tag can be published. */
export function releaseProblems({ tag, version, lockedVersion, changelog }: Release): string[] {
  const newest = newestSection(changelog)
  const problems: string[] = []
  if (tag !== `v${version}`) problems.push(`the tag must be v${version}, as package.json says; got ${tag}`)
  if (lockedVersion !== version) problems.push(`package-lock.json must say ${version}; got ${lockedVersion}`)
  if (newest?.version !== version) {
    problems.push(`the newest section of CHANGELOG.md must be [${version}]; got ${newest?.version ?? 'none'}`)
  } else if (!/^\d{4}-\d{2}-\d{2}$/.test(newest.date)) {
    problems.push(`the section [${version}] of CHANGELOG.md needs its date, such as 2026-01-31; got ${newest.date}`)
  }
  return problems
}
