// Package claw holds the words of the domain: tokens' principals, sessions, messages, runs, their events, and the small
// interfaces that the rooms of the gateway meet at. It imports the standard library only and knows no technology: no
// HTTP, no SQL, no vendor.
//
// The rooms (store, model, live, httpapi, ...) import claw and never each other; package app joins them.
package claw
