// Where the repository is published. package.json#repository is the one place that says so.
import { readFileSync } from 'node:fs'

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  readonly repository: { readonly url: string }
}

/** The page of the repository, without a slash at its end. */
export const REPOSITORY = manifest.repository.url.replace(/^git\+/, '').replace(/\.git$/, '')

/** A file as a page for people. The README links to these, since the package has no docs beside it. */
export const PAGES = `${REPOSITORY}/blob/main/`

/** A file as it is, for pictures. */
export const RAW = `${REPOSITORY.replace('//github.com/', '//raw.githubusercontent.com/')}/main/`
