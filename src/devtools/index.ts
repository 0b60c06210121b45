// `tiercache/devtools`: a page that shows what a cache has and does.

export { type DevtoolsHandler, devtools, devtoolsOf } from './devtools.js'
export type { DevtoolsOptions } from './options.js'
export type {
  DevtoolsChange,
  DevtoolsFinding,
  DevtoolsSnapshot,
  DevtoolsView,
  HotKey,
  KeyReport,
  SeenEvent,
  StoredKeys,
} from './view/view.js'
