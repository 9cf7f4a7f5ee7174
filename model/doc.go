// Package model reaches models: it joins providers into one that retries and fails over, fits prompts into context
// windows, knows those of common models, and finds servers on this machine. The providers themselves are the packages
// below it, one for each vendor's protocol; package modeltest holds the suite that all of them pass.
package model
