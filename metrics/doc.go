// Package metrics measures what dynos use, adds up what apps did, and keeps both
// for a while: by minute for a day, by five minutes for a week.
//
// It owns the store's metric rows. It promises one sample per dyno every
// SampleEvery, told in the logs of apps that have the feature log-runtime-metrics
// on; that counts of a source which numbers them are added once, however often
// they come and whenever this process is killed; that an app's rows are bounded
// (1,440 and 2,016); and that percentiles over any stretch are those of all its
// requests, because histograms are added up, never averaged.
//
// Start reading at point.go (what is kept), then history.go (how) and sampler.go;
// load.go makes load averages out of processor time.
package metrics
