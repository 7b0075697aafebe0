export { Badge, VerdictBadge } from "./badge.js";
export { Button } from "./button.js";
export { Dialog } from "./dialog.js";
export { formatBytes, formatDate, formatDuration, formatNumber } from "./format.js";
export { Loading, Notice, type NoticeKind } from "./notice.js";
export { Scroller } from "./scroller.js";
export { type Tab, Tabs } from "./tabs.js";
export { type Async, useAsync } from "./use-async.js";
