package sqlite

// WithStep sets how much of a session one commit erases.
func WithStep(messages, bytes int) Option {
	return func(o *options) { o.step = step{messages, bytes} }
}
