package httpapi

func (a *API) getMessage(x *exchange) (answer, error) {
	id, err := x.messageID()
	if err != nil {
		return nil, err
	}
	view, err := a.chat.Message(x.r.Context(), x.who, id)
	return answerJSON(viewOf(view)), err
}

func (a *API) streamMessage(x *exchange) (answer, error) {
	id, err := x.messageID()
	if err != nil {
		return nil, err
	}
	after, err := x.lastEventID()
	if err != nil {
		return nil, err
	}
	return a.follow(x, id, after)
}

func (a *API) cancelMessage(x *exchange) (answer, error) {
	id, err := x.messageID()
	if err != nil {
		return nil, err
	}
	view, err := a.chat.Cancel(x.r.Context(), x.who, id)
	return answerJSON(viewOf(view)), err
}
