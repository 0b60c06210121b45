// `tiercache/extensions`: ready-made `extend` options for data types of well-known packages. Each is given the package's own class, so that
// nothing is imported here and the copy of the application is the one that is used.
export { type Dayjs, dayjs } from './dayjs.js'
export { type DecimalClass, decimal } from './decimal.js'
export { type Luxon, luxon } from './luxon.js'
export { type ObjectIdLike, objectId } from './object-id.js'
export { type TemporalNamespace, temporal } from './temporal.js'
