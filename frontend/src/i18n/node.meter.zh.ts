/** What a node says about measurements, in Chinese. */
export const meterNodeZh: Record<string, string> = {
  'no such span of time': '没有这样的时间段',
  'ask for at most 24 hours and 1000 points': '最多请求 24 小时、1000 个点',
  'it has more points than were asked for': '返回的点数多于请求的点数',
}
